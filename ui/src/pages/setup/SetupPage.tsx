import { useEffect } from "react";
import { setupConfig } from "../../api/setup";
import { navigate, useQuery } from "../../app/router";
import { ErrorState } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { useRequest } from "../../components/request";
import { complaints, keptAdministrator, suggested } from "./answers";
import { openAnswers, useAnswers } from "./answersStore";
import { AnswersForm } from "./AnswersForm";
import { CheckPage } from "./CheckPage";

/** The wizard: answers first, then what was checked, then the install. */
export default function SetupPage() {
  const { data: config, failure, reload } = useRequest(setupConfig);
  const answers = useAnswers();
  const checking = useQuery().includes("check");
  useEffect(() => {
    if (config) openAnswers(suggested(config));
  }, [config]);
  const kept = config ? keptAdministrator(config) : "";
  const complete = answers !== undefined && Object.keys(complaints(answers, kept)).length === 0;
  const sentBack = checking && answers !== undefined && !complete;
  useEffect(() => {
    // After another load of the page the secrets are gone; they are asked for before the checks.
    if (sentBack) navigate("/setup/?missing", { replace: true });
  }, [sentBack]);
  if (failure && !config) return <ErrorState failure={failure} onRetry={reload} />;
  if (!config || !answers || sentBack) return <Loading label="Loading the setup" />;
  return checking ? <CheckPage answers={answers} resolvers={config.network.resolvers} /> : <AnswersForm answers={answers} kept={kept} network={config.network} />;
}

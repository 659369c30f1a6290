import { useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type ApiFailure, asFailure } from "../../api/failure";
import { planRepair, repair, type RepairPlan } from "../../api/recover";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/ErrorState";

/** Lets Flux try a failed release again; what would be taken away is looked up first and shown. */
export function Repair({ release }: { release: string }) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const [plan, setPlan] = useState<RepairPlan>();
  const [done, setDone] = useState<string>();
  const look = async () => {
    setBusy(true);
    setFailure(undefined);
    setDone(undefined);
    try {
      setPlan((await planRepair(release)).plan);
    } catch (thrown) {
      setFailure(asFailure(thrown));
    } finally {
      setBusy(false);
    }
  };
  const confirm = async () => setDone((await repair(release)).message);
  return (
    <>
      <Button variant="secondary" isLoading={busy} isDisabled={busy} onClick={() => void look()}>
        Repair {release}…
      </Button>
      {failure && <Failed failure={failure} />}
      {done && <Alert variant="success" isInline isPlain title={done} />}
      {plan && (
        <ConfirmDialog title={`Repair ${release}?`} action="Repair" onConfirm={confirm} onClose={() => setPlan(undefined)}>
          <Planned plan={plan} />
        </ConfirmDialog>
      )}
    </>
  );
}

function Planned({ plan }: { plan: RepairPlan }) {
  return (
    <>
      <p>What was found: {plan.reason}.</p>
      {plan.remove.length > 0 ? (
        <>
          <p>These failed objects are taken away and made anew; no data is in them:</p>
          <ul className="pf-v6-c-list">
            {plan.remove.map((removal) => (
              <li key={`${removal.kind}/${removal.namespace}/${removal.name}`}>
                {removal.kind} {removal.name} ({removal.reason})
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>Nothing is taken away. Flux tries the release again.</p>
      )}
      <p>What works goes on working; users notice nothing but that it comes back.</p>
    </>
  );
}

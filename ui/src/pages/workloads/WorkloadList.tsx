import { useMemo, useState } from "react";
import { FormSelect, FormSelectOption } from "@patternfly/react-core/dist/esm/components/FormSelect";
import { SearchInput } from "@patternfly/react-core/dist/esm/components/SearchInput";
import { namespaces } from "../../api/workloads";
import { navigate } from "../../app/router";
import { PageHeading } from "../../components/PageHeading";
import { useRequest } from "../../components/request";
import { Deployments } from "./Deployments";
import { ALL, pathOf } from "./place";
import { Pods } from "./Pods";
import styles from "./Workloads.module.css";

/** Deployments and pods of a namespace, worst first. */
export function WorkloadList({ namespace }: { namespace: string }) {
  const [text, setText] = useState("");
  return (
    <>
      <PageHeading title="Workloads">What runs on this box, what does not, and why; worst first.</PageHeading>
      <div className={styles["filters"]}>
        <NamespacePicker namespace={namespace} />
        <SearchInput aria-label="Filter by name" placeholder="Filter by name" value={text} onChange={(_, value) => setText(value)} onClear={() => setText("")} />
      </div>
      <Deployments key={`deployments ${namespace}`} namespace={namespace} text={text} />
      <Pods key={`pods ${namespace}`} namespace={namespace} text={text} />
    </>
  );
}

function NamespacePicker({ namespace }: { namespace: string }) {
  const { data } = useRequest(namespaces);
  const names = useMemo(() => {
    const known = data?.namespaces.map((each) => each.name) ?? [];
    return known.includes(namespace) || namespace === ALL ? known : [namespace, ...known];
  }, [data, namespace]);
  return (
    <FormSelect aria-label="Namespace" className={styles["namespace"]} value={namespace} onChange={(_, value) => navigate(pathOf({ namespace: value }), { replace: true })}>
      <FormSelectOption value={ALL} label="All namespaces" />
      {names.map((name) => (
        <FormSelectOption key={name} value={name} label={name} />
      ))}
    </FormSelect>
  );
}

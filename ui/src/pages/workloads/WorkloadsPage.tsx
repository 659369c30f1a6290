import { PageHeading } from "../../components/PageHeading";

export default function WorkloadsPage() {
  return <PageHeading title="Workloads" />;
}

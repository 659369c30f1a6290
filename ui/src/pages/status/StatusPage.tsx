import { PageHeading } from "../../components/PageHeading";

export default function StatusPage() {
  return <PageHeading title="Status" />;
}

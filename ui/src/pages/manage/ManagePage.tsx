import { PageHeading } from "../../components/PageHeading";

export default function ManagePage() {
  return <PageHeading title="Manage" />;
}

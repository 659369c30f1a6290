import { PageHeading } from "../../components/PageHeading";

export default function SetupPage() {
  return <PageHeading title="Setup" />;
}

import { PageHeading } from "../../components/PageHeading";

export default function InstallPage() {
  return <PageHeading title="Install" />;
}

import { manageStatus } from "../../api/manage";
import { ErrorState, Failed } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { PageHeading } from "../../components/PageHeading";
import { useRefreshed } from "../../components/refreshed";
import { AddressCard } from "./AddressCard";
import { AdministratorCard } from "./AdministratorCard";
import { LicenseCard } from "./LicenseCard";
import styles from "./Manage.module.css";
import { PasswordCard } from "./PasswordCard";
import { SessionsCard } from "./SessionsCard";
import { VersionsCard } from "./VersionsCard";

/** What an operator changes on a running appliance. */
export default function ManagePage() {
  const { data, failure, reload } = useRefreshed(manageStatus, 60);
  if (!data) return failure ? <ErrorState failure={failure} onRetry={reload} /> : <Loading label="Asking the appliance" />;
  const errors = (...parts: string[]) => (data.errors ?? []).filter((error) => parts.includes(error.part));
  return (
    <>
      <PageHeading title="Manage" />
      {failure && <Failed failure={failure} onRetry={reload} />}
      <div className={styles["cards"]}>
        <VersionsCard status={data} errors={errors("release", "installState", "controlPlane", "cluster")} onChanged={reload} />
        <LicenseCard license={data.license} errors={errors("license")} onChanged={reload} />
        <AddressCard address={data.appUrl} errors={errors("selection")} onChanged={reload} />
        <AdministratorCard reset={data.adminPasswordReset} errors={errors("adminPasswordReset")} onChanged={reload} />
        <PasswordCard />
        <SessionsCard />
      </div>
    </>
  );
}

import { Link } from "../app/router";
import { PageHeading } from "../components/PageHeading";

export function NotFoundPage() {
  return (
    <>
      <PageHeading title="There is no such page" />
      <p>
        The address may have been mistyped, or be one of another version. <Link to="/">Go to the status page</Link>
      </p>
    </>
  );
}

/**
 * What the pages take an answer for is what the appliance promises: a line fails to compile when a type of this
 * directory asks for what the API's document does not say. There is nothing of it at run time.
 */
import type { AuthState } from "./auth";
import type { components } from "./schema";
import type { BundleFile, BundleMade, BundleNotMade } from "./support";
import type { Deployment, LeftOut, Log, Namespace, Pod } from "./workloads";

type Schemas = components["schemas"];

/** Only a promise that is enough for a page can stand on the right. */
type Enough<Asked, Promised extends Asked> = [Asked, Promised];

export type Agreement = [
  Enough<AuthState, Schemas["Standing"]>,
  Enough<Namespace, Schemas["NamespaceRow"]>,
  Enough<Deployment, Schemas["DeploymentRow"]>,
  Enough<Pod, Schemas["PodRow"]>,
  Enough<Log, Schemas["Log"]>,
  Enough<LeftOut, Schemas["LeftOut"]>,
  Enough<BundleFile, Schemas["BundleFile"]>,
  Enough<Omit<BundleMade, "ok">, Schemas["BundleMade"]>,
  Enough<Omit<BundleNotMade, "ok">, Schemas["BundleNotMade"]>,
];

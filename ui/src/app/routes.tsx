import { lazy, type ComponentType, type LazyExoticComponent } from "react";

/** A page of a signed-in operator. */
export interface Route {
  path: string;
  /** Its entry in the navigation; pages without one are reached from others. */
  nav?: string;
  page: LazyExoticComponent<ComponentType>;
}

/** Every page, in the order of the navigation. Each is a file of its own, loaded when it is opened. */
export const routes: readonly Route[] = [
  { path: "/", nav: "Status", page: lazy(() => import("../pages/home/HomePage")) },
  { path: "/workloads", nav: "Workloads", page: lazy(() => import("../pages/workloads/WorkloadsPage")) },
  { path: "/manage", nav: "Manage", page: lazy(() => import("../pages/manage/ManagePage")) },
  { path: "/support-bundle", nav: "Support", page: lazy(() => import("../pages/support/SupportPage")) },
  { path: "/setup", page: lazy(() => import("../pages/setup/SetupPage")) },
  { path: "/install", page: lazy(() => import("../pages/install/InstallPage")) },
];

/** The page of a path; `undefined` where there is none. */
export function routeOf(path: string): Route | undefined {
  return routes.find((route) => route.path === (path === "/status" ? "/" : path));
}

// @vitest-environment node
import { expect, it } from "vitest";
import { ApiFailure } from "../../api/failure";
import { about, isSaid } from "./form";

it("puts a refusal beside the field it is about, by field, by name or by code", () => {
  const fields = new ApiFailure(400, "invalid_inputs", "first", { fields: { appHostname: "no spaces" } });
  expect(about(fields, "appHostname")).toBe("no spaces");
  expect(about(fields, "dnsServers")).toBeUndefined();
  const named = new ApiFailure(400, "missing_field", "Enter it.", { body: { field: "currentPassword" } });
  expect(about(named, "currentPassword")).toBe("Enter it.");
  const coded = new ApiFailure(401, "wrong_password", "Wrong.");
  expect(about(coded, "currentPassword", "wrong_password")).toBe("Wrong.");
  expect(about(undefined, "x")).toBeUndefined();
});

it("says below the form what no field has said", () => {
  const busy = new ApiFailure(409, "operation_in_progress", "Something else is changing this appliance.");
  expect(isSaid(busy, ["appHostname"])).toBe(false);
  expect(isSaid(new ApiFailure(400, "x", "s", { fields: { appHostname: "y" } }), ["appHostname"])).toBe(true);
  expect(isSaid(new ApiFailure(401, "wrong_password", "s"), [], "wrong_password")).toBe(true);
});

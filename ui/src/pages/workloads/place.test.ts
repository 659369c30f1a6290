// @vitest-environment node
import { expect, it } from "vitest";
import { pathOf, placeOf } from "./place";

it("is the application's namespace where the address names none", () => {
  expect(placeOf("")).toEqual({ namespace: "msp" });
  expect(placeOf("?namespace=")).toEqual({ namespace: "msp" });
});

it("reads what it writes", () => {
  for (const place of [{ namespace: "all" }, { namespace: "msp", pod: "db-0" }, { namespace: "a b&c", deployment: "x" }]) {
    expect(placeOf(pathOf(place).slice("/workloads".length))).toEqual(place);
  }
});

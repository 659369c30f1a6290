import { expect, test } from "vitest";
import { isMet, managementRules, psaRules } from "./policy";

const broken = (rules: ReturnType<typeof psaRules>) => rules.filter((rule) => !rule.met).map((rule) => rule.id);

test("each rule is shown by itself", () => {
  expect(broken(psaRules(""))).toEqual(["length", "lower", "upper", "digit", "special"]);
  expect(broken(psaRules("Abcdefg1"))).toEqual(["special"]);
  expect(broken(psaRules("aA1!😀"))).toEqual(["length"]);
  expect(isMet(psaRules(' Aa1"\\xxxx '))).toBe(true);
});

test("only the management password takes any special character", () => {
  for (const password of ["Str0ng-Pass_", "Str0ng Pass", "Str0ngPässe"]) {
    expect(isMet(managementRules(password)), password).toBe(true);
    expect(broken(psaRules(password)), password).toEqual(["special"]);
  }
  expect(broken(managementRules("Str0ngPass\t"))).toEqual(["special"]);
});

test("each has its own bound, in bytes", () => {
  const of = (bytes: number) => `aA1!${"x".repeat(bytes - 4)}`;
  expect(isMet(managementRules(of(256)))).toBe(true);
  expect(broken(managementRules(of(257)))).toEqual(["bytes"]);
  expect(isMet(psaRules(of(1024)))).toBe(true);
  expect(broken(psaRules(`aA1!${"ä".repeat(600)}`))).toEqual(["bytes"]);
  expect(broken(psaRules("Abcdef1!\0"))).toEqual(["nul"]);
});

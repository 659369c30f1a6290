import { expect, test } from "vitest";
import { leftOutWords } from "./leftOut";

const odd = { kind: "Pod", namespace: "msp", name: "odd", why: "expected a map" };

test("a list that is not whole says what is missing, and one that is says nothing", () => {
  expect(leftOutWords({ count: 0, objects: [] })).toBeUndefined();
  expect(leftOutWords({ count: 1, objects: [odd] })).toBe("One object is not shown, because this version cannot read it: Pod msp/odd.");
  expect(leftOutWords({ count: 61, objects: [odd, { ...odd, namespace: null }] })).toBe(
    "61 objects are not shown, because this version cannot read them: Pod msp/odd, Pod odd, 59 more.",
  );
});

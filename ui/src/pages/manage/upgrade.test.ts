import { describe, expect, it } from "vitest";
import { upgraded } from "./upgrade";

describe("what is told of an upgrade", () => {
  it("is why the control plane was kept or not exchanged", () => {
    expect(upgraded({ status: "blocked", message: "it was interrupted" })).toEqual({ variant: "danger", title: "The control plane was not exchanged: it was interrupted" });
    expect(upgraded({ status: "held", message: "foreign image" })?.title).toContain("kept: foreign image");
    expect(upgraded({ status: "running", message: null })?.title).toBe("The control plane is being exchanged");
  });

  it("is nothing where nothing happened", () => {
    for (const status of ["idle", "unchanged", "a newer word"]) expect(upgraded({ status, message: "x" })).toBeUndefined();
    expect(upgraded(undefined)).toBeUndefined();
  });
});

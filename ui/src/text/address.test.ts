import { describe, expect, test } from "vitest";
import { addressComplaint } from "./address";

describe("the application's address", () => {
  test("what the server takes is not complained of", () => {
    for (const typed of [
      "psa.example.com",
      "psa.example.com:8443/",
      "localhost:3000",
      "http://192.168.1.50:3000",
      "  HTTPS://PSA.Example.COM/ ",
      "https://h:443",
      "http://[FD00::0001]:3000/",
      "[fd00::1]",
      "https://münchen.example",
      "my_box",
    ]) {
      expect(addressComplaint(typed), typed).toBeUndefined();
    }
  });

  test("what the server refuses is complained of before, in its words", () => {
    for (const [typed, words] of [
      ["", "required"],
      [" \t ", "required"],
      [`https://${"a".repeat(2048)}`, "2048"],
      ["javascript:alert(1)", "start with http"],
      ["ftp://host", "start with http"],
      ["http:/host", "start with http"],
      ["https://host/path", "end after the host"],
      ["https://host?x", "end after the host"],
      ["https://user:word@host", "user name"],
      ["https://psa example.com", "name a host"],
      ["psa.example.com extra", "name a host"],
      ["https://", "name a host"],
      ["https://host:0", "name a host"],
      ["https://host:99999", "name a host"],
      ["https://-host", "name a host"],
      ["https://1.2.3", "name a host"],
      ["https://ho%20st", "name a host"],
      ["fe80::1", "name a host"],
    ] as const) {
      expect(addressComplaint(typed) ?? "nothing", typed).toContain(words);
    }
  });
});

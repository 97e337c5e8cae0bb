// Reports whose sums would not be exact, and what the export gives to other programs.
const MAX = Number.MAX_SAFE_INTEGER;

function books(app, accounts) {
  app.call("POST", "/api/gl/entities", { body: { entity: "ACME", name: "Acme", functionalCurrency: "EUR" } });
  app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts } });
  app.call("POST", "/api/gl/periods/open", { body: { entity: "ACME", from: "2026-01", to: "2026-12" } });
}

function account(code, type, changes) {
  return { code, name: code, type, ...changes };
}

let keys = 0;

function post(app, debit, credit, amount, postingDate) {
  const lines = [{ account: debit, currency: "EUR", debit: amount }, { account: credit, currency: "EUR", credit: amount }];
  expect(app.call("POST", "/api/gl/journals", { body: { idempotencyKey: `K-${keys++}`, entity: "ACME", postingDate, lines } }).status).toBe(201);
}

test("a sum beyond 2^53-1 is refused and not rounded", (app) => {
  books(app, [account("1000", "asset"), account("1100", "asset"), account("3000", "equity"), account("3100", "equity"), account("4000", "income")]);
  post(app, "1000", "3000", MAX, "2026-01-10");
  post(app, "1100", "3100", MAX, "2026-02-10");
  const refused = (path) => {
    const { status, error } = app.call("GET", `/api/gl/${path}`);
    return [status, error?.code, error?.message];
  };
  expect(refused("balance-sheet?entity=ACME")).toEqual([422, "AMOUNT_TOO_LARGE", "assets in EUR passes 2^53-1 minor units; ask for an earlier day"]);
  expect(app.call("GET", "/api/gl/balance-sheet?entity=ACME&asOf=2026-01-31").data.totals.EUR).toMatchObject({ assets: MAX, equity: MAX });

  post(app, "1000", "4000", MAX, "2026-03-10");
  const beyond = (day) => [422, "AMOUNT_TOO_LARGE", `the balance of 1000 in EUR passes 2^53-1 minor units; ask for days before ${day}`];
  expect(refused("ledger/1000?entity=ACME")).toEqual(beyond("2026-03-10"));
  expect(refused("ledger/1000?entity=ACME&from=2026-03-20")).toEqual(beyond("2026-03-10"));
  expect(refused("ledger/1000?entity=ACME&from=2026-05-01")).toEqual(beyond("2026-03"));
  expect(app.call("GET", "/api/gl/ledger/1000?entity=ACME&to=2026-03-09").data.closing).toEqual([{ currency: "EUR", balance: MAX }]);
  const turnover = [422, "AMOUNT_TOO_LARGE", "the turnover of 1000 in EUR passes 2^53-1 minor units; ask for an earlier day"];
  expect(refused("trial-balance?entity=ACME")).toEqual(turnover);
  expect(app.call("GET", "/api/gl/income-statement?entity=ACME").data.totals.EUR).toEqual({ income: MAX, expense: 0, net: MAX });
});

function exported(app, query) {
  const { status, error, body } = app.call("GET", `/api/gl/export?entity=ACME&${query}`);
  expect([query, status, error?.code]).toEqual([query, 200, undefined]);
  return body;
}

test("the export calls no two accounts the same, and opens each that has lines", (app) => {
  const codes = ["Büro", "Bäro", "银行", "现金", "(Virtual)", "[Balanced]", "! Bang", "* Star", "a  b", "a b", "a::b", "trail ", "trail", "=eq"];
  books(app, [...codes.map((code) => account(code, "asset")), account("3000", "equity")]);
  for (const code of codes) post(app, code, "3000", 100, "2026-01-10");
  app.call("POST", "/api/gl/accounts/import", { body: { entity: "ACME", accounts: [account("Büro", "asset", { postable: false })] } });

  const lines = (format) => exported(app, `format=${format}`).split("\n");
  const debited = (format, line) => lines(format).map((text) => line.exec(text)?.[1]).filter((name) => name && !name.endsWith("3000"));
  const beancount = debited("beancount", /^ {2}(\S+) {2}1\.00 EUR$/);
  expect(new Set(beancount).size).toBe(codes.length);
  for (const name of beancount) {
    expect(name).toMatch(/^Assets(:[A-Z0-9][A-Za-z0-9-]*)+$/);
    expect(lines("beancount")).toContain(`2026-01-01 open ${name}`);
  }
  const hledger = debited("hledger", /^ {4}(\S.*\S) {2}1\.00 EUR$/);
  expect(new Set(hledger).size).toBe(codes.length);
  for (const name of hledger) {
    expect(name).not.toMatch(/^[([!*=]| {2}/);
    expect(lines("hledger")).toContain(`account ${name}  ; type: A`);
  }
});

test("the export in parts is the export of the whole, and each part says where to go on", (app) => {
  books(app, [account("1000", "asset"), account("3000", "equity")]);
  for (let n = 1; n <= 5; n++) post(app, "1000", "3000", n, `2026-0${6 - n}-10`);
  for (const format of ["hledger", "beancount"]) {
    const parts = ["limit=2", "after=2&limit=2", "after=4&limit=2", "after=5&limit=2"].map((part) => exported(app, `format=${format}&${part}`));
    const told = parts.map((text) => /\n; (\d) more journals: after=(\d)\n$/.exec(text)?.slice(1).map(Number));
    expect(told).toEqual([[3, 2], [1, 4], undefined, undefined]);
    expect(parts.map((text) => text.replace(/\n; .*\n$/, "")).join("")).toBe(exported(app, `format=${format}`));
  }
  const csv = ["limit=2", "after=2&limit=2", "after=4"].map((part) => exported(app, `format=csv&${part}`));
  expect(csv.join("")).toBe(exported(app, "format=csv"));
  expect(csv[0].split("\n").at(-2)?.slice(0, 2)).toBe("2,");
  for (const query of ["after=6", "limit=0", "after=x"]) {
    expect(app.call("GET", `/api/gl/export?entity=ACME&format=csv&${query}`).error?.code).toBe("INVALID_REQUEST");
  }
});

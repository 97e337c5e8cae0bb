import wiring from "./wiring.json" with { type: "json" };

interface Claim {
  claimId: string;
  invoiceId: string;
  total: number;
}

class Claims {
  listen(): void {
    $app.onEvent(wiring.claims.request, { name: "judge" }, (e) => this.judge(e));
  }

  judge(e): void {
    const { claimId, invoiceId, total, payer }: Claim & { payer: string } = e.payload;
    if (payer === "none" || total === 0) {
      e.reject({ claimId, invoiceId, reason: "nobody pays for it" });
    } else {
      $app.dao().saveRecord("insurance_claims", { claimId, invoiceId, total });
      e.reply({ claimId, invoiceId, amount: total });
    }
  }
}

export default new Claims();

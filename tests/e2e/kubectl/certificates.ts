/** `kubectl certificate`, `create secret tls`, `create ingress`, and rights given by `set subject` and `auth reconcile`. */
import assert from "assert";
import { createKey, createRequest } from "../../../lib/pki/request.ts";
import type { Shell } from "./shell.ts";

async function request(name: string, key: string): Promise<string> {
  const spec = {
    request: btoa(await createRequest(key, { commonName: "ann", organizations: ["ops"] })),
    signerName: "kubernetes.io/kube-apiserver-client",
    expirationSeconds: 3600,
    usages: ["client auth"],
  };
  return JSON.stringify({
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec,
  });
}

export async function certificates(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const key = await createKey();
  await step("certificate approve, deny: who is let in, and who is not", async () => {
    for (const name of ["ann", "eve"]) await cluster.ask("create -f -", { stdin: await request(name, key) });
    await shell.says("get csr ann", /ann +\S+ +kubernetes.io\/kube-apiserver-client +\S+ +(60m|1h) +Pending/);
    await shell.says("certificate approve ann", /certificatesigningrequest.certificates.k8s.io\/ann approved/);
    await shell.says("certificate deny eve", /\/eve denied/);
    await cluster.eventually("get csr ann", (text) => /Approved,Issued/.test(text));
    await shell.says("get csr eve", / Denied/);
    const certificate = atob(await cluster.ask("get csr ann -o jsonpath={.status.certificate}"));
    await shell.file("ann.crt", certificate);
    await shell.file("ann.key", key);
  });
  await step("the certificate is its holder's; create secret tls takes it", async () => {
    await shell.scene.host.exec(["cp", `${cluster.dataDir}/kubeconfig`, "/run/k/ann"]);
    const options = { env: { KUBECONFIG: "/run/k/ann" } };
    await shell.says(
      "config set-credentials ann --client-certificate=/run/k/ann.crt --client-key=/run/k/ann.key",
      /set/,
      options,
    );
    const [context] = (await cluster.ask("config current-context", options)).trim().split("\n");
    await shell.says(`config set-context ${context} --user=ann`, /modified/, options);
    await shell.says("auth whoami", /Username +ann[^]*ops/, options);
    await shell.refuses("get secrets", /User "ann" cannot list resource "secrets"/, options);
    await shell.says("create secret tls pair --cert=/run/k/ann.crt --key=/run/k/ann.key", /secret\/pair created/);
    await shell.says("get secret pair", /pair +kubernetes.io\/tls +2 /);
    await shell.says("delete csr ann eve", /"ann" deleted/);
  });
  await step("create ingress", async () => {
    const rule = "shop.example.com/buy*=shop:80,tls=pair";
    await shell.says(
      ["create", "ingress", "shop", `--rule=${rule}`, "--class=none"],
      /ingress.networking.k8s.io\/shop created/,
    );
    await shell.says("get ingress shop", /shop +none +shop\.example\.com +80, 443/);
    await shell.says("describe ingress shop", /TLS:\s+pair terminates shop\.example\.com[^]*\/buy +shop:80/);
    await shell.says("delete ingress shop", /deleted/);
  });
  await step("set subject, auth reconcile, auth can-i for parts and paths", async () => {
    await cluster.ask("create role looks --verb=get --resource=pods,pods/log");
    await cluster.ask("create rolebinding looks --role=looks --user=bob");
    await shell.says("set subject rolebinding looks --user=carl --group=readers", /subjects updated/);
    const role = await cluster.ask("get role,rolebinding looks -o yaml");
    await shell.says("auth reconcile -f - --remove-extra-permissions", /looks reconciled/, {
      stdin: role.replace("- pods/log", "- pods/status"),
    });
    const can = async (args: string) => (await cluster.kubectl(`auth can-i ${args}`)).stdout.trim();
    await cluster.eventually("auth can-i get pods --subresource=status --as=carl", (text) => text === "yes\n");
    assert.equal(await can("get pods --subresource=log --as=carl"), "no");
    assert.equal(await can("get pods --as=dora --as-group=readers"), "yes");
    assert.equal(await can("get /metrics --as=carl"), "no");
    assert.equal(await can("get /version --as=carl"), "yes");
    await cluster.ask("delete role,rolebinding looks");
  });
}

// An OpenID Connect provider whose people sign in by pressing their name. Reads its settings, JSON, from the first
// argument: port, client (as oidc-provider takes it), people (subject -> claims). Says "ready" once it listens.
import http from "node:http";

import { Provider } from "oidc-provider";

const { port, client, people } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const html = (title, rest) => `<!doctype html><html lang="en"><title>Identity provider</title><link rel="icon" href="data:,">
<h1>${title}</h1>${rest}</html>`;

const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
  pkce: { required: () => true },
  cookies: { keys: ["only for tests"] },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource(context, form) {
        context.body = html("Sign out here too?", `${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`);
      },
    },
  },
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (context, subject) =>
    people[subject] && { accountId: subject, claims: () => ({ sub: subject, ...people[subject] }) },
  async loadExistingGrant(context) {
    const { client, session } = context.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email groups");
    await grant.save();
    return grant;
  },
});

const page = (uid) =>
  html(
    "Who are you?",
    `${Object.keys(people)
      .map((subject) => `<form method="post" action="/interaction/${uid}?as=${subject}"><button>${subject}</button></form>`)
      .join("")}<form method="post" action="/interaction/${uid}"><button>Cancel</button></form>`,
  );

const answer = provider.callback();
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, issuer);
  if (!url.pathname.startsWith("/interaction/")) {
    answer(request, response);
  } else if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(page(url.pathname.split("/")[2]));
  } else {
    const subject = url.searchParams.get("as");
    const result = subject ? { login: { accountId: subject } } : { error: "access_denied" };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
});
server.listen(port, "127.0.0.1", () => console.log("ready"));

// The servers as one thing to ask: whichever answers, with a token where users log in.

import { HeadgateError, addresses, clock, fail, http, secrets, shown } from "headgate";

/** Nacos' own default. */
const PORT = 8848;

/** A server that says nothing for so long is passed over. */
const TIMEOUT_MS = 5_000;

/** A page of configurations with their contents, of which Nacos allows 100 KiB each by default; with room. */
const ANSWER_BYTES_MAX = 16 << 20;

/** Requests under way: a few, for no listing is worth slowing a registry that others live by. */
const AT_ONCE = 8;

/** A token is not used in its last minute: the servers' clocks are not ours. */
const TOKEN_RESERVE_MS = 60_000;

export class Gateway {
  /** A node that a person named is one more address to begin at. */
  constructor({ addresses: listed, username, password, context_path = "/nacos", security, ca }, nodes) {
    this.addresses = addresses([listed, ...nodes.map((node) => node.address)].join(","), PORT).map(shown);
    this.login = username && { username, password };
    this.base = context_path;
    this.scheme = security === "SSL" ? "https" : "http";
    this.tls = security === "SSL" && ca ? { trust: "ca" } : null;
    this.preferred = 0;
    this.token = null;
  }

  /** To the first server that answers. A write goes to one only: where its answer is lost, another would do it again. */
  ask(request) {
    const turn = request.method ? [this.preferred] : this.addresses.map((_, step) => (this.preferred + step) % this.addresses.length);
    const silent = [];
    for (const index of turn) {
      try {
        const answer = this.askOne(this.addresses[index], request);
        this.preferred = index;
        return answer;
      } catch (error) {
        if (!(error instanceof HeadgateError) || !["unavailable", "timeout"].includes(error.kind)) throw error;
        silent.push(error);
      }
    }
    // The next write goes to the next server: this one may be down for long.
    if (request.method) this.preferred = (this.preferred + 1) % this.addresses.length;
    if (silent.length === 1) throw silent[0];
    return fail("unavailable", `no server answers: ${silent.map((error) => error.message).join("; ")}`);
  }

  /** Of one server; with another token where this one is too old for it. */
  askOne(address, request) {
    const answer = http.send(this.request(address, request));
    if (![401, 403].includes(answer.status) || !this.login) return answer;
    this.token = null;
    return http.send(this.request(address, request));
  }

  /** Many reads, of the server that answered last: a Response or an error each. */
  askAll(requests) {
    const address = this.addresses[this.preferred];
    return http.sendAll(requests.map((request) => this.request(address, request)), AT_ONCE);
  }

  request(address, { method = "GET", path, query, form, headers = {} }) {
    const authorized = this.login ? { ...headers, authorization: `Bearer ${this.pass(address)}` } : headers;
    return { method, url: this.url(address, path, query), headers: authorized, form, ...this.limits() };
  }

  pass(address) {
    if (this.token && this.token.until > clock.nowMs()) return this.token.text;
    const { username, password } = this.login;
    const form = { username, password: { secret: secrets.get(password) } };
    const ask = (path) => http.send({ method: "POST", url: this.url(address, path), form, ...this.limits() });
    const first = ask("/v3/auth/user/login");
    const answer = [404, 405].includes(first.status) ? ask("/v1/auth/login") : first;
    if ([401, 403].includes(answer.status)) fail("unauthenticated", `the servers refuse the user ${username}: ${answer.text().slice(0, 200)}`);
    const { accessToken, tokenTtl = 0 } = answer.ok("log in").json("log in");
    if (typeof accessToken !== "string") fail("protocol", "the login was answered without a token");
    this.token = { text: accessToken, until: clock.nowMs() + tokenTtl * 1000 - TOKEN_RESERVE_MS };
    return accessToken;
  }

  url(address, path, query = {}) {
    const pairs = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
    return `${this.scheme}://${address}${this.base}${path}${pairs.length ? `?${pairs.join("&")}` : ""}`;
  }

  limits() {
    return { tls: this.tls, timeoutMs: TIMEOUT_MS, responseBytesMax: ANSWER_BYTES_MAX };
  }
}

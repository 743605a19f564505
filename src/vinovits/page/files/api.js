// Requests of the page to the server's own interface.
import { make, sentence, word } from "/page/words.js";

/** The answer as JSON; faults are errors whose message is shown. A body is data, or a form. */
export async function ask(path, method = "GET", body = undefined) {
  const plain = body === undefined || body instanceof FormData;
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: plain ? {} : { "Content-Type": "application/json" },
      body: plain ? body : JSON.stringify(body),
    });
  } catch {
    throw new Error(word("failed"));
  }
  if (!answer.ok) throw new Error(await sentence(answer));
  return answer.status === 204 ? null : answer.json();
}

export function fault(error) {
  return make("p", { role: "alert", className: "vv-error", text: error.message });
}

// Reads requests as JSON lines from standard input: {"secret", "headers", "body"}. Prints
// for each line "ok", or why the library refuses it.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    const event = new Webhook(secret).verify(body, headers);
    console.log("ok " + event.type);
  } catch (error) {
    console.log("refused: " + error.message);
  }
}

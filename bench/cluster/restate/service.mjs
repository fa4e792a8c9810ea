// The service whose invocations are measured: a handler without a step, and one
// with a durable step that does nothing. It prints a line for each that has run,
// with its name.
import * as restate from "@restatedev/restate-sdk";

// The SDK uses it; Node.js has it since version 22.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const noop = restate.service({
  name: "noop",
  handlers: {
    steps0: async () => {
      console.log("steps0");
    },
    steps1: async (ctx) => {
      await ctx.run("noop", () => {});
      console.log("steps1");
    },
  },
});

restate.serve({ services: [noop], port: Number(process.argv[2]) });

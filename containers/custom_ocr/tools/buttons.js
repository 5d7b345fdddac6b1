import { Fault, say } from "./words.js";

export function newButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  return button;
}

/* Runs `work` when a button is clicked, unless it still runs. Shows in `status` how it ended. */
export function onClick(button, status, work) {
  button.addEventListener("click", async () => {
    if (button.ariaBusy !== "true") {
      button.ariaBusy = "true";
      await attempt(status, work);
      button.ariaBusy = "false";
    }
  });
}

/* Runs `work`, which returns a key of WORDS and its values, or nothing. Shows that, or a Fault, in `status`. */
export async function attempt(status, work) {
  status.classList.remove("fault");
  say(status, "working");
  try {
    const done = await work();
    say(status, ...(done ?? [""]));
  } catch (error) {
    if (!(error instanceof Fault)) {
      say(status, "");
      throw error;
    }
    status.classList.add("fault");
    say(status, error.message, error.values);
  }
}

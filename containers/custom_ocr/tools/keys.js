import { ZOOM_STEP } from "./stage.js";

const COARSE = 10; // pixels of the image that an arrow key with Ctrl moves
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/* Actions on a stage, by event.key: those that always work, and those that need a chosen field. */
const ALWAYS = {
  "n": (stage) => stage.add(),
  "N": (stage) => stage.add(),
  "[": (stage) => stage.chooseNext(-1),
  "]": (stage) => stage.chooseNext(1),
  "+": (stage) => stage.zoomBy(ZOOM_STEP),
  "=": (stage) => stage.zoomBy(ZOOM_STEP),
  "-": (stage) => stage.zoomBy(1 / ZOOM_STEP),
  "0": (stage) => stage.fit(),
  " ": () => {}, // Space is held to pan, and must not scroll the page
};
const WITH_FIELD = {
  "Enter": (stage) => stage.rename(stage.fields.chosen),
  "Delete": (stage) => stage.fields.remove(stage.fields.chosen),
  "Backspace": (stage) => stage.fields.remove(stage.fields.chosen),
  "Escape": (stage) => stage.letGo(),
  "1": (stage) => stage.chooseCorner(0),
  "2": (stage) => stage.chooseCorner(1),
  "3": (stage) => stage.chooseCorner(2),
  "4": (stage) => stage.chooseCorner(3),
};

export function listenToKeys(stage) {
  stage.viewport.addEventListener("keydown", (event) => {
    const action = stage.picture && keyAction(event, stage);
    if (action) {
      event.preventDefault();
      action(stage);
    }
  });
}

function keyAction(event, stage) {
  const coarse = event.ctrlKey || event.metaKey;
  const chosen = stage.fields.current !== null;
  if (chosen && event.key in ARROWS) {
    const [dx, dy] = ARROWS[event.key].map((way) => (coarse ? way * COARSE : way));
    return () => stage.nudge(dx, dy, event.shiftKey);
  }
  if (coarse || event.altKey) {
    return null;
  }
  return ALWAYS[event.key] ?? (chosen ? WITH_FIELD[event.key] : null);
}

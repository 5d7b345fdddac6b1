import { clamp, moved, rectangle, stretched, widened } from "./fields.js";

const CLICK = 4; // screen pixels; a shorter drag draws no field
const DOUBLE_CLICK_MS = 400; // largest time between the two presses of a double click

/* The gestures of mouse, pen and fingers on a stage: draw, move, reshape, pan and pinch. */
export class Gestures {
  constructor(stage) {
    this.stage = stage;
    this.pointers = new Map(); // pressed pointers: id to [clientX, clientY]
    this.gesture = null; // {move, end, cancel}
    this.panning = false; // true while the Space bar is held
    this.pressed = { index: -1, time: 0 }; // the last field that was pressed on, and the time
    const { viewport } = stage;
    viewport.addEventListener("pointerdown", (event) => this.press(event));
    viewport.addEventListener("pointermove", (event) => this.drag(event));
    viewport.addEventListener("pointerup", (event) => this.release(event, "end"));
    viewport.addEventListener("pointercancel", (event) => this.release(event, "cancel"));
    viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    viewport.addEventListener("keydown", (event) => event.key === " " && this.hold(true));
    viewport.addEventListener("keyup", (event) => event.key === " " && this.hold(false));
    viewport.addEventListener("blur", () => this.hold(false));
  }

  press(event) {
    const { picture, sheet, viewport } = this.stage;
    if (!picture || !sheet.contains(event.target)) {
      return;
    }
    event.preventDefault();
    viewport.focus({ preventScroll: true });
    viewport.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.gesture?.cancel();
    this.gesture = this.begin(event);
  }

  drag(event) {
    if (this.pointers.has(event.pointerId)) {
      this.gesture?.move(event);
      this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    }
  }

  release(event, how) {
    if (this.pointers.delete(event.pointerId)) {
      this.gesture?.[how]();
      this.gesture = null;
    }
  }

  begin(event) {
    const { index, corner, side } = event.target.dataset;
    if (this.pointers.size > 1) {
      return this.pinching();
    }
    if (event.button === 1 || this.panning) {
      return this.shifting();
    }
    if (event.button !== 0) {
      return null;
    }
    if (corner !== undefined) {
      return this.reshaping(event, (corners, dx, dy, size) => stretched(corners, [Number(corner)], dx, dy, size));
    }
    if (side !== undefined) {
      return this.reshaping(event, (corners, dx, dy, size) => widened(corners, Number(side), dx, dy, size));
    }
    if (index !== undefined && !event.altKey) {
      return this.isSecond(event, Number(index)) ? this.renaming(Number(index)) : this.moving(event, Number(index));
    }
    return this.drawing(event);
  }

  /* True for the second press of a double click. The browser reports no double click, because the stage replaces the
     pressed element in between. */
  isSecond({ timeStamp: time }, index) {
    const { pressed } = this;
    this.pressed = { index, time };
    return index === pressed.index && time - pressed.time < DOUBLE_CLICK_MS;
  }

  renaming(index) {
    return { move: () => {}, end: () => this.stage.rename(index), cancel: () => {} };
  }

  moving(event, index) {
    this.stage.choose(index);
    return this.reshaping(event, moved);
  }

  drawing(event) {
    const { stage } = this;
    const start = this.pixel(event);
    const far = (now) => Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > CLICK;
    stage.choose(-1);
    return {
      move: (now) => stage.sketch(far(now) ? rectangle(start, this.pixel(now)) : null),
      end: () => stage.keepSketch(),
      cancel: () => stage.sketch(null),
    };
  }

  /* shape(corners, dx, dy, size) returns the corners of the chosen field after a drag by (dx, dy). */
  reshaping(event, shape) {
    const { fields, picture } = this.stage;
    const { chosen, current } = fields;
    const [x, y] = this.pixel(event);
    const step = {}; // a new object is equal to no other step
    return {
      move: (now) => {
        const [u, v] = this.pixel(now);
        fields.reshape(chosen, shape(current.corners, u - x, v - y, picture), picture, step);
      },
      end: () => {},
      cancel: () => fields.step === step && fields.undo(),
    };
  }

  shifting() {
    return {
      move: ({ pointerId, clientX, clientY }) => {
        const [x, y] = this.pointers.get(pointerId);
        this.stage.viewport.scrollBy(x - clientX, y - clientY);
      },
      end: () => {},
      cancel: () => {},
    };
  }

  pinching() {
    return {
      move: (event) => {
        const [[x, y], far] = this.spread();
        this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
        const [[u, v], farther] = this.spread();
        this.stage.viewport.scrollBy(x - u, y - v);
        this.stage.zoomBy(farther / far, [u, v]);
      },
      end: () => {},
      cancel: () => {},
    };
  }

  /* The point between two fingers, and their distance. */
  spread() {
    const [[x, y], [u, v]] = [...this.pointers.values()];
    return [[(x + u) / 2, (y + v) / 2], Math.hypot(u - x, v - y) || 1];
  }

  /* The pixel of the image under a pointer, or the nearest one inside the image. */
  pixel(event) {
    const { width, height } = this.stage.picture;
    const [x, y] = this.stage.at(event.clientX, event.clientY);
    return [clamp(Math.round(x), 0, width), clamp(Math.round(y), 0, height)];
  }

  wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.stage.zoomBy(Math.exp(-event.deltaY / 400), [event.clientX, event.clientY]);
    }
  }

  hold(panning) {
    this.panning = panning;
    this.stage.viewport.classList.toggle("panning", panning);
  }
}

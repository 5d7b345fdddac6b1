/* A field is {name, corners}. Its four corners are [x, y] in pixels of the upright image, clockwise from the top left
   of its text. The limits are the same as in ../template.py. */
export const MAX_FIELDS = 200;
const MAX_NAME = 100;
const MIN_SIDE = 3;
const MIN_AREA = 16;

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function rectangle([x, y], [u, v]) {
  const [left, right, top, bottom] = [Math.min(x, u), Math.max(x, u), Math.min(y, v), Math.max(y, v)];
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

export function bounds(corners) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/* Returns the corners, shifted as far as the image allows. size: {width, height} of the image. */
export function moved(corners, dx, dy, size) {
  const { left, top, width, height } = bounds(corners);
  const right = clamp(dx, -left, size.width - left - width);
  const down = clamp(dy, -top, size.height - top - height);
  return corners.map(([x, y]) => [x + right, y + down]);
}

/* Returns the corners, of which those with these indices are shifted. No corner leaves the image. */
export function stretched(corners, indices, dx, dy, size) {
  return corners.map(([x, y], index) =>
    indices.includes(index) ? [clamp(x + dx, 0, size.width), clamp(y + dy, 0, size.height)] : [x, y]);
}

/* Returns the corners, with one side shifted by the part of (dx, dy) that is perpendicular to it.
   index: the corner at which the side starts. */
export function widened(corners, index, dx, dy, size) {
  const next = (index + 1) % 4;
  const [[ax, ay], [bx, by]] = [corners[index], corners[next]];
  const length = Math.hypot(bx - ax, by - ay) || 1;
  const [nx, ny] = [(by - ay) / length, (ax - bx) / length];
  const across = dx * nx + dy * ny;
  return stretched(corners, [index, next], Math.round(across * nx), Math.round(across * ny), size);
}

/* Twice the area of a triangle; positive if a, b, c are in clockwise order on the screen. */
function turn([ax, ay], [bx, by], [cx, cy]) {
  return (bx - ax) * (cy - by) - (by - ay) * (cx - bx);
}

/* The key of the message about a wrong shape, or "" for a right one. */
export function shapeFault(corners, size) {
  if (!corners.every(([x, y]) => x >= 0 && x <= size.width && y >= 0 && y <= size.height)) {
    return "outside";
  }
  const [a, b, c, d] = corners;
  const sides = [[a, b], [b, c], [c, d], [d, a]].map(([[x, y], [u, v]]) => Math.hypot(u - x, v - y));
  if (Math.min(...sides) < MIN_SIDE) {
    return "small";
  }
  if (Math.min(turn(a, b, c), turn(b, c, d), turn(c, d, a), turn(d, a, b)) <= 0) {
    return "notConvex";
  }
  return (turn(a, b, c) + turn(c, d, a)) / 2 < MIN_AREA ? "small" : "";
}

/* The key of the message about a wrong name, or "" for a right one. taken: the names of the other fields. */
export function nameFault(name, taken) {
  if (!name.trim()) {
    return "nameEmpty";
  }
  if ([...name.trim()].length > MAX_NAME) {
    return "nameLong";
  }
  if (/\p{Cc}/u.test(name.trim())) {
    return "nameControl";
  }
  return taken.includes(name.trim()) ? "nameTaken" : "";
}

/* The fields of the template that is being drawn, the chosen field, and the history for undo and redo. */
export class Fields {
  constructor() {
    this.list = [];
    this.chosen = -1;
    this.past = [];
    this.future = [];
    this.step = null;
    this.changed = () => {};
  }

  get current() {
    return this.list[this.chosen] ?? null;
  }

  /* The names of all fields except one. */
  otherNames(index) {
    return this.list.filter((_, other) => other !== index).map((field) => field.name);
  }

  fault(index, size) {
    const { name, corners } = this.list[index];
    return nameFault(name, this.otherNames(index)) || shapeFault(corners, size);
  }

  choose(index) {
    this.chosen = index;
    this.step = null;
    this.changed();
  }

  add(field) {
    this.apply([...this.list, field], this.list.length);
  }

  rename(index, name) {
    this.apply(this.list.map((field, at) => (at === index ? { ...field, name } : field)), index);
  }

  /* Changes the corners of a field. A change that makes a right shape wrong has no effect. */
  reshape(index, corners, size, step) {
    const spoils = shapeFault(corners, size) && !shapeFault(this.list[index].corners, size);
    if (!spoils) {
      this.apply(this.list.map((field, at) => (at === index ? { ...field, corners } : field)), index, step);
    }
  }

  remove(index) {
    const rest = this.list.filter((_, at) => at !== index);
    this.apply(rest, Math.min(index, rest.length - 1));
  }

  /* Sets the fields and the chosen one. One undo reverts all changes of the same `step`, such as one drag. */
  apply(list, chosen, step = null) {
    if (step === null || step !== this.step) {
      this.past.push({ list: this.list, chosen: this.chosen });
      this.future = [];
    }
    Object.assign(this, { list, chosen, step });
    this.changed();
  }

  undo() {
    this.travel(this.past, this.future);
  }

  redo() {
    this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (from.length) {
      to.push({ list: this.list, chosen: this.chosen });
      Object.assign(this, from.pop(), { step: null });
      this.changed();
    }
  }
}

/* Functions that find the results in a reply of any feature. */

/* The objects, faces and texts in a reply: { points: [[x, y]…] in pixels, words, score from 0 to 1 }.

   reply: the whole reply, or the part about one of two images. width, height: the size of the image. */
export function marks(reply, width, height) {
  if (Array.isArray(reply)) {
    return reply.filter((line) => line.polygon ?? line.position).map((line) => ({
      points: line.polygon ?? line.position,
      words: line.key === undefined ? line.words : `${line.key}: ${line.value}`,
      score: line.score / (line.key === undefined ? 1 : 100),
    }));
  }
  return [...boxed(reply, "")].map(([name, thing]) => {
    const { Left, Top, Width, Height } = thing.BoundingBox;
    const [right, bottom] = [Left + Width, Top + Height];
    const corners = [[Left, Top], [right, Top], [right, bottom], [Left, bottom]];
    return {
      points: corners.map(([x, y]) => [x * width, y * height]),
      words: [name, ...traits(thing)].filter(Boolean).join(", "),
      score: thing.Confidence / (name ? 100 : 1), // named objects have percentages
    };
  });
}

/* The landmarks of faces, as points in pixels. */
export function dots(reply) {
  return (reply.Faces ?? []).flatMap((face) => [
    ...(face.landmark_106 ?? []).map(({ x, y }) => ({ x, y, kind: "fine" })),
    ...(face.landmarks_5 ?? []).map(({ x, y }) => ({ x, y, kind: "coarse" })),
  ]);
}

/* The fields of the reply that are numbers from 0 to 1, such as a similarity: [name, number]. */
export function shares(reply) {
  return Object.entries(Array.isArray(reply) ? {} : reply)
    .filter(([, value]) => typeof value === "number" && value >= 0 && value <= 1);
}

/* [count, length] of the vectors in a reply, or undefined. */
export function vectors({ result, results, Faces }) {
  const hashes = (Faces ?? []).map(({ face_hash }) => face_hash).filter(Boolean);
  const all = results ?? (Array.isArray(result) ? [result] : hashes);
  return all.length && Array.isArray(all[0]) ? [all.length, all[0].length] : undefined;
}

/* A copy for reading, in which long texts and vectors are shortened. */
export function shortened(value) {
  if (typeof value === "string") {
    return value.length > 200 ? `${value.slice(0, 40)}… (${value.length})` : value;
  }
  if (Array.isArray(value)) {
    return value.length > 16 && typeof value[0] === "number"
      ? [...value.slice(0, 6), `… (${value.length})`]
      : value.map(shortened);
  }
  return value && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shortened(part)]))
    : value;
}

/* Yields every part of the reply that has a bounding box, with its name or the name of the part around it. */
function* boxed(value, name) {
  if (!value || typeof value !== "object") {
    return;
  }
  const own = value.Name ?? name;
  if (value.BoundingBox) {
    yield [own, value];
  }
  for (const part of Object.values(value)) {
    yield* boxed(part, own);
  }
}

/* The attributes of a person: gender, age, and the name with the highest score in each group of scores. */
function traits(thing) {
  const groups = Object.entries(thing).filter(([name, value]) =>
    !["BoundingBox", "AgeRange"].includes(name) && value && typeof value === "object" && !Array.isArray(value));
  const highest = groups.map(([, scores]) => Object.entries(scores).sort(([, a], [, b]) => b - a)[0][0]);
  return [thing.gender, thing.age, ...highest].filter((trait) => typeof trait !== "object" && trait !== undefined);
}

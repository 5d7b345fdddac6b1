// Runs a graph model with TensorFlow.js on the picture of `pattern` in test_graphs.py, or on float32 pixels in a file.
// npm install @tensorflow/tfjs && node fingerprint.js MODEL.json MODEL.bin SIDE first|last [PIXELS]
const tf = require('@tensorflow/tfjs');
const fs = require('fs');

const [topology, numbers, side, channels, given] = process.argv.slice(2);
const n = Number(side);

function content(file) {
  const bytes = fs.readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function pattern() {
  const pixels = new Float32Array(n * n * 3);
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++)
      for (let c = 0; c < 3; c++)
        pixels[channels === 'first' ? (c * n + y) * n + x : (y * n + x) * 3 + c] = ((7 * y + 13 * x + 29 * c) % 64) / 64;
  return pixels;
}

(async () => {
  await tf.setBackend('cpu');
  const { modelTopology, signature, weightsManifest } = JSON.parse(fs.readFileSync(topology));
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  const load = async () => ({ modelTopology, signature, weightSpecs, weightData: content(numbers) });
  const network = await tf.loadGraphModel({ load });
  const shape = channels === 'first' ? [1, 3, n, n] : [1, n, n, 3];
  const names = network.outputs.map((output) => output.name);
  const outputs = [network.execute(tf.tensor(given ? new Float32Array(content(given)) : pattern(), shape), names)].flat();
  outputs.forEach((output, i) => {
    const values = given ? tf.avgPool(output, n / 4, n / 4, 'valid').dataSync() : output.dataSync();
    const step = given ? 1 : Math.floor(values.length / 8);
    console.log(names[i], Array.from(values).filter((_, k) => k % step === 0).map((one) => Number(one.toPrecision(6))));
  });
})();

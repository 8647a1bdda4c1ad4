// The one operation of `ndarray-ops` that H5Web uses.
import type { View } from './ndarray';

/** Copies the items of `there`, of the same shape, to `here`. */
export function assign(here: View, there: View): void {
  const { shape } = here;
  const last = shape.length - 1;
  const extent = last < 0 ? 1 : shape[last]!;
  const [from, to] = [there.stride[last] ?? 0, here.stride[last] ?? 0];
  const runs = last < 0 ? 1 : shape.slice(0, last).reduce((product, count) => product * count, 1);
  const place = new Array<number>(shape.length).fill(0);
  for (let run = 0; run < runs; run += 1) {
    let [source, target] = [there.index(...place), here.index(...place)];
    for (let item = 0; item < extent; item += 1) {
      here.data[target] = there.data[source];
      source += from;
      target += to;
    }
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      place[axis]! += 1;
      if (place[axis]! < shape[axis]!) {
        break;
      }
      place[axis] = 0;
    }
  }
}

// Strided views of flat arrays, as `ndarray` has them, without making functions out of text:
// so the page needs no 'unsafe-eval'. Holds what H5Web uses of them, and no more.

export type Items = ArrayLike<unknown> & { [index: number]: unknown };

const NAMES: Record<string, string> = {
  '[object Int8Array]': 'int8',
  '[object Int16Array]': 'int16',
  '[object Int32Array]': 'int32',
  '[object Uint8Array]': 'uint8',
  '[object Uint16Array]': 'uint16',
  '[object Uint32Array]': 'uint32',
  '[object Uint8ClampedArray]': 'uint8_clamped',
  '[object Float32Array]': 'float32',
  '[object Float64Array]': 'float64',
  '[object BigInt64Array]': 'bigint64',
  '[object BigUint64Array]': 'biguint64',
};

function kindOf(data: Items): string {
  if (Array.isArray(data)) {
    return 'array';
  }
  return NAMES[Object.prototype.toString.call(data)] ?? 'generic';
}

function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

export class View {
  public readonly dtype: string;

  public constructor(
    public readonly data: Items,
    public readonly shape: number[],
    public readonly stride: number[],
    public readonly offset: number,
  ) {
    this.dtype = kindOf(data);
  }

  public get dimension(): number {
    return this.shape.length;
  }

  public get size(): number {
    return this.shape.reduce((product, extent) => product * extent, 1);
  }

  /** Axes by growing stride. */
  public get order(): number[] {
    const axes = this.shape.map((_extent, axis) => axis);
    return axes.sort((a, b) => Math.abs(this.stride[a]!) - Math.abs(this.stride[b]!));
  }

  public index(...place: number[]): number {
    let found = this.offset;
    for (let axis = 0; axis < this.stride.length; axis += 1) {
      found += this.stride[axis]! * place[axis]!;
    }
    return found;
  }

  public get(...place: number[]): unknown {
    return this.data[this.index(...place)];
  }

  public set(...placeAndValue: unknown[]): unknown {
    const value = placeAndValue[this.shape.length];
    this.data[this.index(...(placeAndValue as number[]))] = value;
    return value;
  }

  /** The view with the axes where a number is given fixed there. */
  public pick(...places: (number | null | undefined)[]): View {
    const shape: number[] = [];
    const stride: number[] = [];
    let { offset } = this;
    this.shape.forEach((extent, axis) => {
      const place = places[axis];
      if (typeof place === 'number' && place >= 0) {
        offset += Math.trunc(place) * this.stride[axis]!;
      } else {
        shape.push(extent);
        stride.push(this.stride[axis]!);
      }
    });
    return new View(this.data, shape, stride, offset);
  }

  public transpose(...axes: number[]): View {
    const order = this.shape.map((_extent, axis) => axes[axis] ?? axis);
    return new View(
      this.data,
      order.map((axis) => this.shape[axis]!),
      order.map((axis) => this.stride[axis]!),
      this.offset,
    );
  }
}

export default function ndarray(
  data: Items,
  shape: readonly number[] = [data.length],
  stride: readonly number[] = stridesOf(shape),
  offset = 0,
): View {
  return new View(data, [...shape], [...stride], offset);
}

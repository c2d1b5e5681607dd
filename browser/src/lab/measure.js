// How far apart two results are.

/** Return the root mean square difference of two pictures in grey levels, as sdkit.distance does; null for two sizes. */
export function distance(a, b) {
  if (a.width !== b.width || a.height !== b.height) return null;
  let sum = 0;
  for (let place = 0; place < a.data.length; place += 1) {
    if (place % 4 !== 3) sum += (a.data[place] - b.data[place]) ** 2; // the fourth is opacity
  }
  return Math.sqrt(sum / (a.width * a.height * 3));
}

/** Return [name, value in a, value in b] for each setting that differs; a setting that one has not is undefined there. */
export function differences(a, b) {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.filter((name) => !isSame(a[name], b[name])).map((name) => [name, a[name], b[name]]);
}

function isSame(a, b) {
  if (!a?.data || !b?.data) return a === b;
  return distance(a, b) === 0;
}

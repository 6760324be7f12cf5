// A day without a year, as plugins take it: `MM-DD`.

/** Days of the longest year's months. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Month and day as they stand in the fields; empty where nothing does.
 *
 * @param {string} value
 * @returns {[string, string]}
 */
export function partsOf(value) {
  const [month = '', day = ''] = value.split('-');
  return [month, day];
}

/**
 * `MM-DD` of what stands in the fields, or nothing if no year has such a day.
 *
 * @param {string} value
 */
export function dayMonth(value) {
  const [month, day] = partsOf(value);
  if (!/^\d{1,2}$/.test(month) || !/^\d{1,2}$/.test(day)) return undefined;
  const fits = Number(day) >= 1 && Number(day) <= (DAYS[Number(month) - 1] ?? 0);
  return fits ? `${month.padStart(2, '0')}-${day.padStart(2, '0')}` : undefined;
}

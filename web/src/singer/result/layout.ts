/** The width of the axis of notes, and the height of the axis of time, in pixels. What shares the axes is as far from the edges. */
export const gutter = 40
export const timeAxis = 26

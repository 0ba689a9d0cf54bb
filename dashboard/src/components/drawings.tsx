/** The drawings of our icons: a grid of 16 px, strokes of 1.5 px in the colour of the text. */
export const DRAWINGS = {
  arrow: <path d="M2.5 8h11M9.5 4l4 4-4 4" />,
  audit: (
    <>
      <path d="M8 1.9 13 3.7v4.2c0 3-2.1 5.2-5 6.2-2.9-1-5-3.2-5-6.2V3.7z" />
      <path d="m5.8 7.9 1.6 1.6 2.9-3.1" />
    </>
  ),
  bell: (
    <>
      <path d="M4 11V7.3a4 4 0 0 1 8 0V11l1.2 1.5H2.8z" />
      <path d="M6.7 14.2h2.6" />
    </>
  ),
  check: <path d="m3 8.5 3.3 3.3L13 4.7" />,
  chev: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.7" />
    </>
  ),
  copy: (
    <>
      <path d="M5.5 5.5h8v8h-8z" />
      <path d="M10.5 5.5v-3h-8v8h3" />
    </>
  ),
  db: (
    <>
      <ellipse cx="8" cy="4" rx="5" ry="1.9" />
      <path d="M3 4v8c0 1 2.2 1.9 5 1.9s5-.9 5-1.9V4M3 8c0 1 2.2 1.9 5 1.9S13 9 13 8" />
    </>
  ),
  dotring: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <circle cx="8" cy="8" r="1.6" fill="currentColor" />
    </>
  ),
  down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  eye: (
    <>
      <path d="M1.5 8S3.8 3.7 8 3.7 14.5 8 14.5 8 12.2 12.3 8 12.3 1.5 8 1.5 8z" />
      <circle cx="8" cy="8" r="1.9" />
    </>
  ),
  eyeoff: <path d="M2 8s2.2-4.2 6-4.2c1 0 2 .3 2.8.7M14 8s-2.2 4.2-6 4.2c-1 0-2-.3-2.8-.7M2.5 13.5l11-11" />,
  fail: (
    <>
      <path d="M5.5 1.9h5l3.6 3.6v5l-3.6 3.6h-5l-3.6-3.6v-5z" />
      <path d="M8 4.8v3.7M8 11v.01" />
    </>
  ),
  filter: <path d="M2 3.5h12L9.5 8.7V13l-3-1.3v-3z" />,
  flag: <path d="M3.5 14V2.5M3.5 3h8.5l-2 3 2 3H3.5" />,
  fp: (
    <>
      <path d="M4.5 12.5c-.7-1.3-1-3-1-4.5a4.5 4.5 0 0 1 9 0c0 1.5-.2 3-.5 4.3" />
      <path d="M6 13.7C5.7 12 5.7 10 5.9 8a2.1 2.1 0 0 1 4.2 0c0 2.2-.2 4-.7 5.6M8 8v3" />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 7.3v3.9M8 4.9v.01" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="8" r="2.7" />
      <path d="M7.7 8H14v2.5M11.5 8v2" />
    </>
  ),
  later: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M5.5 8h5M9 6.3 10.7 8 9 9.7" />
    </>
  ),
  link: <path d="M6.7 9.3 9.3 6.7M7.5 4.7l1.7-1.7a2.7 2.7 0 0 1 3.8 3.8L11.3 8.5M8.5 11.3 6.8 13A2.7 2.7 0 0 1 3 9.2l1.7-1.7" />,
  lock: (
    <>
      <path d="M3.5 7.3h9v6.2h-9z" />
      <path d="M5.3 7.3V5a2.7 2.7 0 0 1 5.4 0v2.3" />
    </>
  ),
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  merge: <path d="M3 3c0 4 5 3 5 7v3.5M13 3c0 4-5 3-5 7" />,
  migrations: (
    <>
      <path d="M2.5 4.5h5.5M2.5 11.5h5.5" />
      <path d="M8 4.5c3.6 0 1.4 7 5.5 7" />
      <path d="M8 11.5c1.6 0 2-1.2 2.3-2.4" />
      <circle cx="13.2" cy="4.5" r="1" />
    </>
  ),
  money: (
    <>
      <path d="M2 4.5h12v7H2z" />
      <circle cx="8" cy="8" r="1.7" />
      <path d="M4.2 6.5v.01M11.8 9.5v.01" />
    </>
  ),
  moon: <path d="M13.3 9.6A5.7 5.7 0 0 1 6.4 2.7a5.7 5.7 0 1 0 6.9 6.9z" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  nolink: <path d="M2 5.5a9 9 0 0 1 12 0M4.3 8.3a5.5 5.5 0 0 1 7.4 0M8 12v.01M2.5 13.5l11-11" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  people: (
    <>
      <circle cx="5.5" cy="5.6" r="2.1" />
      <path d="M1.8 13c.2-2.4 1.7-3.7 3.7-3.7S9 10.6 9.2 13" />
      <circle cx="11.3" cy="6.3" r="1.6" />
      <path d="M11.2 9.5c1.7 0 2.9 1.1 3.1 3" />
    </>
  ),
  plan: (
    <>
      <path d="M4 2.5h5l3 3v8H4z" />
      <path d="M9 2.5v3h3M6.3 8.3h3.4M6.3 10.8h3.4" />
    </>
  ),
  play: <path d="M5 3.3v9.4L12.5 8z" />,
  plus: <path d="M8 3v10M3 8h10" />,
  print: (
    <>
      <path d="M4.5 6V2.5h7V6M4.5 11.5h-2V6h11v5.5h-2" />
      <path d="M4.5 9.5h7v4h-7z" />
    </>
  ),
  quarantine: (
    <>
      <path d="M3 5.2h10v8.3H3z" />
      <path d="M2 2.7h12v2.5H2zM6.3 8h3.4" />
    </>
  ),
  replay: (
    <>
      <path d="M13 8a5 5 0 1 1-1.7-3.8" />
      <path d="M13.3 1.9v3h-3" />
    </>
  ),
  ring: <circle cx="8" cy="8" r="5.6" strokeDasharray="2.2 2.2" />,
  scale: (
    <>
      <path d="M8 2.5v11M4.5 13.5h7M3 4.5h10" />
      <path d="M3 4.5 1.5 9h3zM13 4.5 11.5 9h3z" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  slash: (
    <>
      <circle cx="8" cy="8" r="5.8" />
      <path d="m4 12 8-8" />
    </>
  ),
  snap: (
    <>
      <path d="M2.5 5h2.8l1-1.8h3.4l1 1.8h2.8v8h-11z" />
      <circle cx="8" cy="8.8" r="2.3" />
    </>
  ),
  spin: <path d="M8 2a6 6 0 1 1-5.6 3.9" />,
  split: (
    <>
      <path d="M8 2.5v3M8 5.5c0 3-4.8 2.5-4.8 7.5M8 5.5c0 3 4.8 2.5 4.8 7.5" />
      <path d="m1.4 11.2 1.8 1.9 1.8-1.9M11 11.2l1.8 1.9 1.8-1.9" />
    </>
  ),
  stop: <path d="M4 4h8v8H4z" />,
  system: <path d="M1.8 8.3h2.7l1.7-4.6 3.3 8.6 1.8-4h2.9" />,
  undo: (
    <>
      <path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6" />
      <path d="M5.8 3.5 2.8 6.5l3 3" />
    </>
  ),
  warn: (
    <>
      <path d="M8 2.3 14.3 13.3H1.7z" />
      <path d="M8 6.5v3M8 11.3v.01" />
    </>
  ),
  x: <path d="m4 4 8 8M12 4l-8 8" />,
} as const;

/** The name of an icon. */
export type IconName = keyof typeof DRAWINGS;

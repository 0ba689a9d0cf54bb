/** The mark of Transfuse. */
export function Mark() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect x="1" y="1" width="22" height="22" rx="6.5" fill="var(--ink)" />
      <path d="M6.5 6.5v3.2c0 4.6 11 0 11 4.6v3.2" fill="none" stroke="var(--on-ink)" strokeWidth="2.2" strokeLinecap="round" />
      <circle cx="17.5" cy="6.5" r="1.7" fill="none" stroke="var(--on-ink)" strokeWidth="1.6" />
      <circle cx="6.5" cy="17.5" r="1.7" fill="var(--on-ink)" />
    </svg>
  );
}

/** The nonce by which the page's content policy lets libraries add style elements; none on the development server. */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;

// Where the library that holds the page still under a dialog looks for it.
Object.assign(globalThis, { __webpack_nonce__: styleNonce });

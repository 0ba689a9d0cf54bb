import { ApiClient } from "./ApiClient";

/** The client of this page: the gateway that served it. */
export const api = new ApiClient();

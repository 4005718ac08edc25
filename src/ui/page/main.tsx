/** The dashboard. */
import { render } from "preact";
import { takeToken } from "./api.js";
import { App } from "./app.js";
import "./style.css";

takeToken();
render(<App />, document.getElementById("app")!);

import { useId, useState, type SubmitEvent } from "react";
import { Navigate } from "react-router";
import { ApiProblem } from "../api/ApiProblem";
import { Button } from "../components/Button";
import { Mark } from "../components/Mark";
import { OutcomeMark } from "../components/OutcomeMark";
import { Verdict } from "../components/Verdict";
import { counted } from "../format/number";
import { useSession } from "../live/SessionStore";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { formField } from "./formField";
import { safeNext } from "./RequireSession";

/** One form; what failed, and when to try again. */
export function SignIn() {
  useTitle("Sign in");
  const address = useAddress();
  const status = useSession((session) => session.status);
  const ended = useSession((session) => session.ended);
  const signIn = useSession((session) => session.signIn);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  if (status === "in") return <Navigate to={safeNext(address.get("next"))} replace />;
  const submit = async (email: string, password: string): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(email, password);
    } catch (error) {
      setProblem(ApiProblem.of(error));
      setBusy(false);
    }
  };
  return (
    <div className="signin">
      <main className="form">
        <div className="stack">
          <span className="logo">
            <Mark />
          </span>
          <div>
            <h1>Sign in to Transfuse</h1>
            <p className="sm soft">{window.location.host}</p>
          </div>
        </div>
        {problem && <Refusal problem={problem} />}
        {!problem && ended && <Verdict verdict={{ ground: "attention", headline: ended, detail: "Sign in to go on where you were." }} />}
        <Form busy={busy} refused={problem?.status === 401} onSubmit={(email, password) => void submit(email, password)} />
        <p className="foot">Signing in is recorded. Nothing about patients is kept in this browser.</p>
      </main>
      <aside className="aside" aria-label="About">
        <h2>Every row arrives, is merged, is filtered by rule, or waits with a reason.</h2>
        <div className="eqs soft">
          <OutcomeMark outcome="loaded">loaded</OutcomeMark>
          <OutcomeMark outcome="merged">merged</OutcomeMark>
          <OutcomeMark outcome="filtered">filtered</OutcomeMark>
          <OutcomeMark outcome="quarantined">quarantined</OutcomeMark>
        </div>
      </aside>
    </div>
  );
}

function Refusal({ problem }: { problem: ApiProblem }) {
  const wait = problem.retryAfter === null ? problem.remedy : `Try again in ${counted(Math.ceil(problem.retryAfter), "second")}.`;
  return <Verdict verdict={{ ground: "failed", headline: problem.detail, detail: wait }} />;
}

interface FormProps {
  busy: boolean;
  refused: boolean;
  onSubmit: (email: string, password: string) => void;
}

function Form({ busy, refused, onSubmit }: FormProps) {
  const id = useId();
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onSubmit(formField(form, "email").trim(), formField(form, "password"));
  };
  return (
    <form className="stack" onSubmit={submit}>
      <div className="field">
        <label htmlFor={`${id}e`}>Work e-mail</label>
        <input className="input" id={`${id}e`} name="email" type="email" autoComplete="username" required />
      </div>
      <div className="field">
        <label htmlFor={`${id}p`}>Password</label>
        <input
          className="input"
          id={`${id}p`}
          name="password"
          type="password"
          autoComplete="current-password"
          required
          aria-invalid={refused || undefined}
        />
      </div>
      <Button type="submit" look="primary" className="big" busy={busy}>
        Sign in
      </Button>
    </form>
  );
}

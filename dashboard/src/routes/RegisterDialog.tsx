import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Dialog } from "radix-ui";
import { useState, type SubmitEvent } from "react";
import { Link, useNavigate } from "react-router";
import { ApiProblem } from "../api/ApiProblem";
import { api } from "../api/client";
import { plansQuery } from "../api/queries";
import { Button } from "../components/Button";
import { formField } from "./formField";
import { Verdict } from "../components/Verdict";
import { useFocusReturn } from "../components/useFocusReturn";

/** Registers a migration: a name and a plan. */
export function RegisterDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const focus = useFocusReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" {...focus}>
          <Dialog.Title>Register migration</Dialog.Title>
          <Dialog.Description className="soft">A plan bound to the connections. Nothing moves before you start a run.</Dialog.Description>
          <Form />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Form() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const plans = useQuery(plansQuery());
  const [plan, setPlan] = useState("");
  const create = useMutation({
    mutationFn: ({ name }: { name: string }) => api.createMigration(name, plan || (plans.data?.plans[0]?.name ?? "")),
    onSuccess: (migration) => {
      void client.invalidateQueries({ queryKey: ["migrations"] });
      void navigate(`/migrations/${migration.id}`);
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    create.mutate({ name: formField(new FormData(event.currentTarget), "name").trim() });
  };
  const problem = create.error ? ApiProblem.of(create.error) : null;
  const none = plans.data?.plans.length === 0;
  return (
    <form className="stack" onSubmit={submit}>
      {problem && <Verdict verdict={{ ground: "failed", headline: problem.detail, detail: problem.remedy }} />}
      <div className="field">
        <label htmlFor="migration-name">Name</label>
        <input className="input" id="migration-name" name="name" required maxLength={100} autoComplete="off" />
      </div>
      <div className="field">
        <label htmlFor="migration-plan">Plan</label>
        <select className="input" id="migration-plan" value={plan} onChange={(event) => setPlan(event.target.value)} disabled={none}>
          {plans.data?.plans.map(({ name, version }) => (
            <option key={name} value={name}>
              {name}, v{version}
            </option>
          ))}
        </select>
        {none && (
          <span className="hint">
            There is no plan yet. <Link className="link" to="/plans">Add one</Link> first.
          </span>
        )}
      </div>
      <div className="row justify-end">
        <Dialog.Close asChild>
          <Button>Close</Button>
        </Dialog.Close>
        <Button type="submit" look="primary" busy={create.isPending} disabled={none}>
          Register
        </Button>
      </div>
    </form>
  );
}

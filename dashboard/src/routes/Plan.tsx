import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { ApiProblem } from "../api/ApiProblem";
import { api } from "../api/client";
import { planQuery } from "../api/queries";
import type { Finding, Plan as PlanDocument, PlanContent } from "../api/types";
import { Ago } from "../components/Ago";
import { Button } from "../components/Button";
import { Card } from "../components/Card";
import { Head } from "../components/Head";
import { Lineage } from "../components/Lineage";
import { corrected, PlanSource } from "../components/PlanSource";
import { Select } from "../components/Select";
import { StatePill } from "../components/StatePill";
import { Tabs } from "../components/Tabs";
import { useToasts } from "../components/Toast";
import { Verdict } from "../components/Verdict";
import { counted } from "../format/number";
import { useKeys } from "../keys/useKeys";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { Loaded } from "./Loaded";
import { PlanBooks, PlanUnmapped, PlanVersions } from "./PlanParts";

type Files = Readonly<Record<string, string>>;

/** One plan: its source with errors at the line, its lineage, its versions. */
export function Plan() {
  const { name = "" } = useParams();
  const address = useAddress();
  const version = Number(address.get("version")) || undefined;
  const query = useQuery(planQuery(name, version));
  useTitle(`Plan ${name}`);
  useCrumbs([{ word: "Plans", to: "/plans" }, { word: query.data ? `${name} v${query.data.version}` : name }]);
  return (
    <Loaded query={query} label="Loading the plan">
      {(plan) => <Opened key={`${plan.name} ${plan.version}`} plan={plan} />}
    </Loaded>
  );
}

function Opened({ plan }: { plan: PlanDocument }) {
  const address = useAddress();
  const mayPlan = useMay("migration:plan");
  const draft = useDraft(plan);
  const tab = address.get("tab");
  useKeys({ "mod+Enter": mayPlan ? draft.check : undefined });
  const newest = plan.versions[0]?.version === plan.version;
  return (
    <>
      <Head
        title={plan.name}
        beside={
          <>
            <span className="tag">{draft.changed ? `draft after v${plan.version}` : `v${plan.version}`}</span>
            {draft.content.errors.length > 0 && <StatePill state="failed" word={counted(draft.content.errors.length, "error")} />}
          </>
        }
        facts={
          <>
            <span>
              saved <Ago at={plan.createdAt} />
            </span>
            <span className="mono" title={plan.hash}>
              sha256 {plan.hash.slice(0, 8)}
            </span>
            <span>{newest ? "newest version" : "an older version"}</span>
          </>
        }
        actions={
          mayPlan && (
            <>
              <Button icon="check" shortcut="Ctrl ↵" busy={draft.checking} onClick={draft.check}>
                Check
              </Button>
              <Button look="primary" disabled={!draft.changed || draft.content.errors.length > 0} busy={draft.saving} onClick={draft.save}>
                Save as a new version
              </Button>
            </>
          )
        }
      />
      <PlanTabs plan={plan} content={draft.content} tab={tab} />
      {draft.problem && <Verdict verdict={{ ground: "failed", headline: draft.problem.detail, detail: draft.problem.remedy }} />}
      {tab === "versions" ? (
        <PlanVersions plan={plan} />
      ) : tab === "codebooks" ? (
        <PlanBooks content={draft.content} />
      ) : tab === "unmapped" ? (
        <PlanUnmapped content={draft.content} />
      ) : (
        <Source files={draft.files} content={draft.content} onEdit={mayPlan ? draft.edit : undefined} onTake={mayPlan ? draft.take : undefined} />
      )}
    </>
  );
}

function PlanTabs({ plan, content, tab }: { plan: PlanDocument; content: PlanContent; tab: string }) {
  const to = (name: string): string => `/plans/${plan.name}?${new URLSearchParams({ version: String(plan.version), ...(name && { tab: name }) })}`;
  return (
    <Tabs
      label="Plan"
      tabs={[
        { word: "Source and lineage", to: to(""), current: tab === "" },
        { word: "Versions", to: to("versions"), current: tab === "versions", count: plan.versions.length },
        { word: "Codebooks", to: to("codebooks"), current: tab === "codebooks", count: content.codebooks.length },
        { word: "Unmapped", to: to("unmapped"), current: tab === "unmapped", count: Object.keys(content.unmapped).length },
      ]}
    />
  );
}

/** What is being written, and what the last check said of it. It lives as long as the page. */
function useDraft(plan: PlanDocument) {
  const [files, setFiles] = useState<Files>(plan.files);
  const [content, setContent] = useState<PlanContent>(plan);
  const client = useQueryClient();
  const address = useAddress();
  const tell = useToasts((state) => state.tell);
  const check = useMutation({ mutationFn: (now: Files) => api.checkPlan(plan.name, now), onSuccess: (found) => setContent(found) });
  const save = useMutation({
    mutationFn: (now: Files) => api.putPlan(plan.name, now),
    onSuccess: (saved) => {
      tell({ tone: "completed", text: `${saved.name} v${saved.version} is saved.` });
      void client.invalidateQueries({ queryKey: ["plans"] });
      client.setQueryData(planQuery(saved.name, saved.version).queryKey, saved);
      address.set({ version: saved.version });
    },
    onError: (error) => setContent({ ...content, errors: ApiProblem.of(error).errors }),
  });
  const error = check.error ?? save.error;
  return {
    files,
    content,
    changed: Object.keys(files).some((name) => files[name] !== plan.files[name]),
    checking: check.isPending,
    saving: save.isPending,
    problem: error ? ApiProblem.of(error) : null,
    check: () => check.mutate(files),
    save: () => save.mutate(files),
    edit: (name: string, text: string) => setFiles({ ...files, [name]: text }),
    take: (finding: Finding) => {
      const name = finding.file in files ? finding.file : (Object.keys(files)[0] ?? "");
      const next = { ...files, [name]: corrected(files[name] ?? "", finding) };
      setFiles(next);
      check.mutate(next);
    },
  };
}

interface SourceProps {
  files: Files;
  content: PlanContent;
  onEdit: ((name: string, text: string) => void) | undefined;
  onTake: ((finding: Finding) => void) | undefined;
}

function Source({ files, content, onEdit, onTake }: SourceProps) {
  const address = useAddress();
  const names = Object.keys(files);
  const withError = content.errors.find((error) => error.file in files)?.file;
  const file = address.get("file") in files ? address.get("file") : (withError ?? names[0] ?? "");
  const editing = address.get("edit") === "true" && onEdit !== undefined;
  return (
    <div className="duo">
      <div className="stack tight">
        <div className="row wrap">
          {names.length > 1 && (
            <Select label="File" value={file} choices={names.map((value) => ({ value, word: value }))} onChange={(next) => address.set({ file: next })} />
          )}
          {onEdit && (
            <Button look="quiet" icon={editing ? "check" : "plan"} onClick={() => address.set({ edit: !editing })}>
              {editing ? "Show with errors" : "Edit"}
            </Button>
          )}
        </div>
        {editing ? (
          <textarea
            className="input mono yaml"
            aria-label={`Source of ${file}`}
            rows={32}
            spellCheck={false}
            value={files[file] ?? ""}
            onChange={(event) => onEdit(file, event.target.value)}
          />
        ) : (
          <PlanSource file={file} text={files[file] ?? ""} errors={content.errors} onTake={onTake} />
        )}
      </div>
      <PlanLineage content={content} />
    </div>
  );
}

function PlanLineage({ content }: { content: PlanContent }) {
  const address = useAddress();
  const mappings = content.mappings.map((mapping) => mapping.name);
  const mapping = mappings.includes(address.get("mapping")) ? address.get("mapping") : (mappings[0] ?? "");
  const columns = content.lineage.filter((column) => column.mapping === mapping);
  return (
    <Card
      title="Lineage"
      aside={
        mappings.length > 0 && (
          <Select
            label="Mapping"
            value={mapping}
            choices={mappings.map((value) => ({ value, word: value }))}
            onChange={(next) => address.set({ mapping: next, column: "" })}
          />
        )
      }
    >
      {columns.length > 0 ? (
        <Lineage mapping={mapping} columns={columns} selected={address.get("column")} onSelect={(column) => address.set({ column })} />
      ) : (
        <p className="body sm muted">Lineage shows once the plan has no error.</p>
      )}
    </Card>
  );
}

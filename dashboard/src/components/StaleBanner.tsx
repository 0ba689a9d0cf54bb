import { span } from "../format/time";
import { Button } from "./Button";
import { Icon } from "./Icon";
import { useNow } from "./clock";

/** No live updates: since when, and that the run does not mind. The figures below turn grey and keep their time. */
export function StaleBanner({ since, onRetry }: { since: Date; onRetry: () => void }) {
  const now = useNow();
  return (
    <div className="banner">
      <Icon name="nolink" />
      <span className="grow">
        <b>No live updates for {span((now.getTime() - since.getTime()) / 1000)}.</b> Runs go on without this page. It tries again by
        itself.
      </span>
      <Button look="quiet" onClick={onRetry}>
        Try now
      </Button>
    </div>
  );
}

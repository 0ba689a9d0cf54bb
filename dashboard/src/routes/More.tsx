import { Button } from "../components/Button";

interface MoreProps {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  word: string;
}

/** The next part of a list. */
export function More({ hasNextPage, isFetchingNextPage, fetchNextPage, word }: MoreProps) {
  if (!hasNextPage) return null;
  return (
    <div className="row justify-center p-3">
      <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
        {word}
      </Button>
    </div>
  );
}

import { DropdownMenu } from "radix-ui";
import { Icon } from "../components/Icon";
import { useSession } from "../live/SessionStore";
import { usePreferences, type Theme } from "./preferences";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** Two letters for somebody. */
export function initials(email: string): string {
  const [name = ""] = email.split("@");
  const words = name.split(/[._-]+/).filter(Boolean);
  return ((words[0]?.[0] ?? "") + (words[1]?.[0] ?? words[0]?.[1] ?? "")).toUpperCase();
}

/** Who is signed in; theme, keys, sign out. */
export function UserMenu({ onKeys }: { onKeys: () => void }) {
  const me = useSession((session) => session.me);
  const signOut = useSession((session) => session.signOut);
  const { theme, setTheme, keys, setKeys } = usePreferences();
  if (!me) return null;
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className="who">
        <span className="avatar" aria-hidden="true">
          {initials(me.email)}
        </span>
        <span className="grow">
          <span className="medium text-ink clip block">{me.email}</span>
          {me.role?.replaceAll("_", " ") ?? "no role"}
        </span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="popover" align="start" side="top" sideOffset={4}>
          <DropdownMenu.Label className="title">Theme</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={theme} onValueChange={(next) => setTheme(next as Theme)}>
            {THEMES.map(([value, word]) => (
              <DropdownMenu.RadioItem key={value} value={value}>
                {word}
                <DropdownMenu.ItemIndicator className="ml-auto">
                  <Icon name="check" small />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator />
          <DropdownMenu.CheckboxItem checked={keys} onCheckedChange={setKeys}>
            Single keys
            <DropdownMenu.ItemIndicator className="ml-auto">
              <Icon name="check" small />
            </DropdownMenu.ItemIndicator>
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Item onSelect={onKeys}>All keys</DropdownMenu.Item>
          <DropdownMenu.Separator />
          <DropdownMenu.Item onSelect={() => void signOut()}>Sign out</DropdownMenu.Item>
          <DropdownMenu.Item onSelect={() => void signOut(true)}>Sign out everywhere</DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

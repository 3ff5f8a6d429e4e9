import { SegmentedControl, useMantineColorScheme } from "@mantine/core";
import "@mantine/core/styles/FloatingIndicator.css";
import "@mantine/core/styles/SegmentedControl.css";
import { useWords } from "./words.ts";

/** System, light or dark; the choice is kept on this device. */
export function ThemeToggle() {
  const words = useWords();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      aria-label={words.theme}
      value={colorScheme}
      onChange={(value) => setColorScheme(value === "light" || value === "dark" ? value : "auto")}
      data={[
        { value: "auto", label: words.themeSystem },
        { value: "light", label: words.themeLight },
        { value: "dark", label: words.themeDark },
      ]}
    />
  );
}

/** Mantine's styles of text fields, loaded with the first screen that has one. */
import "@mantine/core/styles/ActionIcon.css";
import "@mantine/core/styles/Input.css";
import "@mantine/core/styles/PasswordInput.css";

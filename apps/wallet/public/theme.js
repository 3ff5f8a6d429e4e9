// Sets the chosen theme before the first paint; a file of its own, because the policy of the page
// allows no inline scripts. Without a choice the style sheet follows the system by itself.
(function () {
  try {
    var chosen = localStorage.getItem("tideway-theme");
    if (chosen === "light" || chosen === "dark") {
      document.documentElement.setAttribute("data-mantine-color-scheme", chosen);
    }
  } catch {
    // Storage may be forbidden; then the system's preference holds.
  }
})();

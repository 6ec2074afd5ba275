import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/", "node_modules/"] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  reactHooks.configs.flat["recommended-latest"],
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.config.js", "scripts/*.mjs"] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // What a finding contains is hostile: nothing of it becomes HTML, code or a script's address.
      "no-eval": "error",
      "no-implied-eval": "off", // the typed rule knows better
      "no-script-url": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "What findings contain is text." },
        { property: "outerHTML", message: "What findings contain is text." },
        { property: "insertAdjacentHTML", message: "What findings contain is text." },
        { object: "document", property: "write", message: "What findings contain is text." },
      ],
      "no-restricted-syntax": ["error", { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "What findings contain is text." }],
      "no-console": "error",
      eqeqeq: ["error", "smart"], // == null is both of nothing
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  { files: ["**/*.test.ts", "**/*.test.tsx", "e2e/**"], rules: { "no-script-url": "off" } }, // what must do no harm
  { files: ["e2e/**"], rules: { "no-empty-pattern": "off", "react-hooks/rules-of-hooks": "off" } }, // Playwright's fixtures look so
  { files: ["**/*.mjs", "*.config.js"], extends: [ts.configs.disableTypeChecked], rules: { "no-console": "off" },
    languageOptions: { globals: { URL: "readonly", process: "readonly", console: "readonly", performance: "readonly" } } },
);

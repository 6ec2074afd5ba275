import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist/", "node_modules/"] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  {
    plugins: { "react-hooks": reactHooks },
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["*.config.js", "scripts/*.mjs"] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // What a finding contains is hostile: nothing of it becomes HTML, code or a script's address.
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "warn",
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
      "@typescript-eslint/no-base-to-string": "off", // a value of any kind is shown as text, whatever it is
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
      "@typescript-eslint/no-unsafe-member-access": "warn",
      eqeqeq: ["error", "smart"], // == null is both of nothing
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  { files: ["**/*.test.ts", "**/*.test.tsx", "e2e/**"], rules: { "no-script-url": "off", "@typescript-eslint/restrict-template-expressions": "off" } }, // what must do no harm
  { files: ["e2e/**"], rules: { "no-empty-pattern": "off", "react-hooks/rules-of-hooks": "off" } }, // Playwright's fixtures look so
  { files: ["**/*.mjs", "*.config.js"], extends: [ts.configs.disableTypeChecked], rules: { "no-console": "off" },
    languageOptions: { globals: { URL: "readonly", process: "readonly", console: "readonly", performance: "readonly" } } },
);

import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import type { ButtonDropdownProps } from "@cloudscape-design/components/button-dropdown";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useSavedViews } from "./saved";

/** The menu of views: kept ones to open, and keeping what is shown. */
export function useViewMenu(search: string, onSave: () => void): { items: ButtonDropdownProps.Items; choose: (id: string) => void } {
  const navigate = useNavigate();
  const { views } = useSavedViews();
  return {
    items: [
      ...views.map((v) => ({ id: `view ${v.name}`, text: v.name, ...(`?${v.search}` === search ? { iconName: "check" as const } : {}) })),
      { id: "save", text: "Save or remove a view…" },
    ],
    choose(id) {
      const view = views.find((v) => `view ${v.name}` === id);
      if (view === undefined) {
        onSave();
      } else {
        void navigate(`/findings?${view.search}`);
      }
    },
  };
}

interface SaveViewProps {
  search: string;
  onDone: () => void;
  onOpen: (search: string) => void;
}

/** Asks for the name of what is shown, and lists what has names. */
export function SaveView({ search, onDone, onOpen }: SaveViewProps) {
  const { views, save, remove } = useSavedViews();
  const [name, setName] = useState("");
  const keep = () => {
    save({ name: name.trim(), search });
    onDone();
  };
  return (
    <Modal
      visible
      header="Views"
      closeAriaLabel="Close"
      onDismiss={onDone}
      footer={
        <Box float="right">
          <Button variant="primary" disabled={name.trim() === ""} onClick={keep}>
            Save
          </Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (name.trim() !== "") {
              keep();
            }
          }}
        >
          <FormField label="Name of what is shown" description="This browser keeps it. To pass a view on, copy the page's address: it says everything.">
            <Input value={name} autoFocus onChange={({ detail }) => setName(detail.value.slice(0, 80))} />
          </FormField>
        </form>
        {views.map((v) => (
          <SpaceBetween key={v.name} direction="horizontal" size="xs" alignItems="center">
            <Button
              variant="inline-link"
              onClick={() => {
                onOpen(v.search);
                onDone();
              }}
            >
              {v.name}
            </Button>
            <Button variant="inline-icon" iconName="remove" ariaLabel={`Remove the view ${v.name}`} onClick={() => remove(v.name)} />
          </SpaceBetween>
        ))}
      </SpaceBetween>
    </Modal>
  );
}

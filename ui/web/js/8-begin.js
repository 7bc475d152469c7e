// All is defined: fill the page.
listConversations();
listSources();
watch();
if (/^#[\w-]{8,}$/.test(location.hash)) trigger("open", { id: location.hash.slice(1) });

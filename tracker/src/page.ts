// The page this script is a guest in. Nothing here may throw into it.

// attempt runs work, and keeps its errors to itself.
export const attempt = (work: () => void): void => {
  try {
    work();
  } catch {}
};

// on listens at the window while the event is on its way down: a page that
// stops its propagation doesn't stop it here.
export const on = (type: string, listener: (event: any) => void): void =>
  addEventListener(type, (event) => attempt(() => listener(event)), true);
